"""The places where parts are put together: one module per place the code runs in."""
