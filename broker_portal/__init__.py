"""Composition and portal: sees everything, is seen by nothing."""
