"""KPIs and trust: what counts for an agent, what is calculated of it, and what follows."""

from crewhall.work.kpis.calculating import calculate_agent
from crewhall.work.kpis.lifecycle import KpiParts, KpiSettings, start_kpis

__all__ = ["KpiParts", "KpiSettings", "calculate_agent", "start_kpis"]
