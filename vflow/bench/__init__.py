"""`vflow bench`: speak to a pipeline, and compare its replies with what vflow promises."""
