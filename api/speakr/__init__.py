"""The Speakr API: parse, call, phrase."""
