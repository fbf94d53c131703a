"""V-GPS: sampled chunks of any policy, ranked by a value that was learned offline."""
