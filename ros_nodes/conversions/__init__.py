"""Message <-> typed value, pure functions: no node, no state."""
