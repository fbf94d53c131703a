"""A team that explores an unknown map under intermittent radio: laser, radio model, world."""
