{{ edfi_associations(
    ref('infinite_campus__program_participation'), 'participation_id', 'student_unique_id', 'student'
) }}
