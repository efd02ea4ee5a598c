"""Time and memory beside the bare tools and the peers: one file per question, each with its `measure`."""
