"""The use cases: each exists once, as a function `(core, caller, …)`, whichever API asks for it."""
