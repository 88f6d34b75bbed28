-- A campaign to more recipients than this needs a second approver; null: none does.
ALTER TABLE views.organizations ADD COLUMN second_approver_above integer;
ALTER TABLE views.campaigns ADD COLUMN first_approved_by text, ADD COLUMN first_approved_at timestamptz;
