"""Sound devices through PortAudio: the common part of the microphones and loudspeakers of both bindings."""
