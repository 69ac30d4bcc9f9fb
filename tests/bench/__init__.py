"""How fast comfyd is, each number beside its ceiling on the same machine in the same run."""
