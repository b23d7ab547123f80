"""The words of each API, without HTTP: what a request may hold and how an answer is put."""
