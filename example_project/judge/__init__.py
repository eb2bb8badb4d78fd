"""The judge: runs what users submit against test cases, and asks an AI service for the rest."""
