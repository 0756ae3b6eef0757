"""Sound devices through PortAudio: what the microphones and loudspeakers of both bindings share."""
