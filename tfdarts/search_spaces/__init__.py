"""What can be chosen: nodes, edges, primitives and the derivation rule."""
