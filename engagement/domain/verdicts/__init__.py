"""Who acted: evidence of a hit, the rules that judge it, and what follows for a timeline."""
