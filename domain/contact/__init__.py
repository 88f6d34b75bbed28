"""The contact: a person who may receive e-mail, what they allow, and how lists name them."""
