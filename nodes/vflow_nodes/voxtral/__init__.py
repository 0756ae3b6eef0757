"""`generator.voxtral`: hears speech, and answers it with words."""
