"""What every explorer shares, learned or planned: beliefs, free space to drive in, frontiers, assignment."""
