"""Our own implementation of the prediction API, with an engine behind it; runs in process or over HTTP."""
