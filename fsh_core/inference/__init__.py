"""From a prepared image to a probability, and from a case to its lesions."""
