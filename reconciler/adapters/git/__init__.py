"""The doors to Git: a checkout of ours is trusted a little, a foreign repository not at all."""
