"""What the demo and the end-to-end tests share: the cluster, the test cloud and Cloister as a user installs it."""
