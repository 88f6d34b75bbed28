"""Long fault tests: campaigns are sent while everything dies at the worst moments."""
