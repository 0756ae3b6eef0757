"""A run as others see it while it goes on: the page of `vflow run --watch`, and `vflow top`."""
