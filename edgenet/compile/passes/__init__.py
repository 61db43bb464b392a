"""Graph → Graph rewrites; each keeps the graph's outputs.  One file a pass."""
