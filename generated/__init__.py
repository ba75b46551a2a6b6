"""Kernels generated from the catalogue; rewrite them with `symcell generate`."""
