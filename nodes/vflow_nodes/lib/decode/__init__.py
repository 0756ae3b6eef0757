"""The decode engine: Llama-type language models on static caches, many sessions on one device.

A library: it knows nothing of vflow. `weights.adapt` takes a model of transformers, `build.build` makes an
`Engine` of it, `DecodeSession.generate` answers a prompt with a `Reply`, whose words come one by one.
"""
