-- Opens and clicks with what the rule needs to judge them, and its verdict so far.
ALTER TABLE views.deliveries
  ADD delivered_at timestamptz, ADD readings text[],
  ADD opened_by_machine integer NOT NULL DEFAULT 0, ADD clicked_by_machine integer NOT NULL DEFAULT 0,
  ADD judged_by integer NOT NULL DEFAULT 0;
ALTER TABLE views.campaign_counters
  ADD opened_by_machine bigint NOT NULL DEFAULT 0, ADD opened_unique_by_people bigint NOT NULL DEFAULT 0,
  ADD clicked_by_machine bigint NOT NULL DEFAULT 0, ADD clicked_unique_by_people bigint NOT NULL DEFAULT 0;
-- Until a rebuild judges it, what was counted before is people's.
UPDATE views.campaign_counters
  SET opened_unique_by_people = opened_unique, clicked_unique_by_people = clicked_unique;
