"""The SaLED API: parse, call, phrase."""
