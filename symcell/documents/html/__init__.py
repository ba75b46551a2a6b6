"""Documents as web pages: an Article with its mathematics in MathML, and the generated code beside it."""
