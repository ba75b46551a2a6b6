"""The notation of papers, shared by documents and generated modules: the order of terms, and equations as plain text."""
