"""The definitions' API: documents that are valid from an instant, with every version kept."""
