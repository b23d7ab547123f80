"""SaLED's words."""
