"""What a user would pick instead, measured once: 2026-11-22, two cores shared with the client, PostgreSQL 15.

Matrix Synapse 1.163, the faster of the two peers that were measured (docs/performance.md has both).
"""

WHEN = "2026-11-22, PostgreSQL 15, two cores"

POSTS_1_ROOM_64 = 61.0
POSTS_50_ROOMS_64 = 40.0
CPU_MS_PER_POST = 23.6
HISTORY_64 = 123.0
FANOUT_100_P50_MS = 5_900.0
FANOUT_100_P99_MS = 7_400.0
SEARCH_RARE_P50_MS = 10.5
SEARCH_COMMON_P50_MS = 106.0
LATER_START_S = 2.6
RESIDENT_MIB = 118.0
