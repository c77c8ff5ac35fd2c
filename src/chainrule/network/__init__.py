"""The model as mathematics: catalogues, network, derivation, Plan."""
