"""Show a run to others while it goes on: the page of `vflow run --watch`, and `vflow top`."""
