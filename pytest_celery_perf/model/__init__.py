"""The vocabulary: frozen values that pass between the stages, standard library only."""
