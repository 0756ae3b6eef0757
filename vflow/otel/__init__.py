"""Turns as spans of OpenTelemetry. Only `otlp` imports its libraries, which are the extra `otel`."""
