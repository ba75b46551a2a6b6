"""How a paper writes sums, products and fractions, and equations as plain text: what documents and generated modules share."""
