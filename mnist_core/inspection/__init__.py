"""What a network responds to: units, attribution, neighbours, principal components. Reads networks, never trains them."""
