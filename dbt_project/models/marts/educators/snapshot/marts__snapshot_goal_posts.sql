select
    post.org_id,
    post._id as goal_id,
    post.post_id,
    author.employee_id as author_employee_id,
    post.text as post_text,
    post._day as as_of_day
from {{ snapshot_of('goals__posts') }} as post
left join {{ ref('marts__snapshot_people') }} as author
    on post.org_id = author.org_id and post.user_id = author.user_id
