"""The decode engine: it runs Llama-type language models on static caches, for many sessions on one device.

A library that knows nothing of vflow. `weights.adapt` takes a model of transformers, `build.build` makes an
`Engine` from it, and `DecodeSession.generate` answers a prompt with a `Reply`, whose words come one by one.
"""
