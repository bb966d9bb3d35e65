"""One module per rendering of the definitions. A target may import the library it renders to."""
