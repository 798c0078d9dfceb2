"""Use cases: what a trigger asks for, done with rules and stores."""
