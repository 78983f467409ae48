"""KPIs and trust: what counts for an agent, what is calculated of it, and what follows."""

from crewhall.work.kpis.lifecycle import KpiParts, KpiSettings, start_kpis

__all__ = ["KpiParts", "KpiSettings", "start_kpis"]
