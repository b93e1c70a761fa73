"""Which front-end made an array of features, found from the array and its sound."""
