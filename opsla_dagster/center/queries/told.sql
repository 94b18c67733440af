-- One row: what some source tells of open cases. What none tells is not shown.
select
    coalesce(bool_or(is_status_told), false) as is_status_told,
    coalesce(bool_or(is_queue_told), false) as is_queue_told,
    coalesce(bool_or(is_priority_told), false) as is_priority_told,
    coalesce(bool_or(is_tier_told), false) as is_tier_told,
    coalesce(bool_or(is_region_told), false) as is_region_told,
    coalesce(bool_or(is_brand_told), false) as is_brand_told,
    coalesce(bool_or(is_channel_told), false) as is_channel_told
from mart.backlog_sources
