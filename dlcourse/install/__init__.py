"""Set the course up and look at the machine: standard library only, nothing of the other rooms."""
