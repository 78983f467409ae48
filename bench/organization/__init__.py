"""An organization of thousands, with years behind it: the ground on which every page and list is walked."""
