{{ edfi_associations(ref('infinite_campus__program_staff'), 'program_staff_id', 'staff_unique_id', 'staff') }}
