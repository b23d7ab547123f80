"""Speakr's words: recordings, transcripts and jobs as its clients know them."""
