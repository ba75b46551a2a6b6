"""Where what was compiled for tests is kept."""


def of_jax(folder):
    """Environment variables with which JAX keeps every operation that it compiles, however small. It compiles each once for each
    shape, of which random cells have many: so that is done once for all processes and runs, and without most optimisations, which
    take longer than what is computed here."""
    return {
        "JAX_COMPILATION_CACHE_DIR": str(folder),
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "true",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
